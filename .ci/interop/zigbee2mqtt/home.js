// Lays the data folder of a Zigbee2MQTT whose home has a light, a plug, a thermostat
// and a group: its configuration, its database and the states that it remembers.
// What each says at the start is what homefleet's models say at theirs.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const light = "0x0017880100000001", plug = "0x0017880100000002", thermostat = "0x0017880100000003";

// configured is the version of a definition whose set-up is done, so that none is at the start.
function row(id, ieee, nwk, modelId, manufName, devId, input, output, attributes, configured = "0.0.0") {
  return JSON.stringify({
    id, type: "Router", ieeeAddr: ieee, nwkAddr: nwk, manufId: 4456, manufName, powerSource: "Mains (single phase)",
    modelId, epList: [1],
    endpoints: { 1: { profId: 260, epId: 1, devId, inClusterList: input, outClusterList: output, clusters: attributes, binds: [], configuredReportings: [], meta: {} } },
    appVersion: 1, stackVersion: 2, hwVersion: 1, dateCode: "20240101", swBuildId: "1.0.0", zclVersion: 3,
    interviewCompleted: true, interviewState: "SUCCESSFUL", meta: { configured }, lastSeen: Date.now(),
  });
}

exports.lay = function lay(dir, mqtt) {
  fs.mkdirSync(path.join(dir, "external_converters"), { recursive: true });
  fs.writeFileSync(path.join(dir, "configuration.yaml"), `version: 5
mqtt:
  base_topic: zigbee2mqtt
  server: ${mqtt}
  version: 5
serial:
  port: /dev/null
  adapter: zstack
advanced:
  log_level: error
  log_output: []
  channel: 11
  pan_id: 6754
  ext_pan_id: [221, 221, 221, 221, 221, 221, 221, 221]
  network_key: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]
  enable_external_js: true
frontend:
  enabled: false
homeassistant:
  enabled: true
availability:
  enabled: true
devices:
  '${light}':
    friendly_name: light_1
  '${plug}':
    friendly_name: plug_1
  '${thermostat}':
    friendly_name: thermostat_1
groups:
  '1':
    friendly_name: all_lights
`);
  fs.writeFileSync(path.join(dir, "database.db"), [
    row(2, light, 0x1001, "RGBW", "Paulmann Licht GmbH", 269, [0, 3, 4, 5, 6, 8, 768], [25], {
      lightingColorCtrl: { attributes: { colorCapabilities: 31, colorTempPhysicalMin: 153, colorTempPhysicalMax: 500 } },
    }),
    row(3, plug, 0x1002, "SP 240", "innr", 266, [0, 3, 4, 5, 6, 1794, 2820], [25], {
      haElectricalMeasurement: { attributes: { acPowerMultiplier: 1, acPowerDivisor: 1, acCurrentMultiplier: 1, acCurrentDivisor: 1000, acVoltageMultiplier: 1, acVoltageDivisor: 1 } },
      seMetering: { attributes: { multiplier: 1, divisor: 100 } },
    }, "0.0.1"),
    row(4, thermostat, 0x1003, "room-thermostat", "homefleet", 769, [0, 3, 4, 513], [25], {}),
    JSON.stringify({ id: 5, type: "Group", groupID: 1, members: [{ deviceIeeeAddr: light, endpointID: 1 }], meta: {} }),
  ].join("\n"));
  fs.writeFileSync(path.join(dir, "state.json"), JSON.stringify({
    [light]: { state: "OFF", brightness: 254, color_mode: "color_temp", color_temp: 370 },
    [plug]: { state: "ON", power: 60, current: 0.26, voltage: 230, energy: 1.25 },
    [thermostat]: { local_temperature: 20.3, occupied_heating_setpoint: 21, system_mode: "heat", running_state: "heat", window_open: false },
    1: { state: "OFF", brightness: 254, color_mode: "color_temp", color_temp: 370 },
  }));
  // No thermostat that Zigbee2MQTT knows has off, heat, auto, 5 to 30 degrees and a
  // window, and nothing else: this is one, made of its own parts.
  fs.writeFileSync(path.join(dir, "external_converters", "thermostat.js"), `
const fz = require("zigbee-herdsman-converters/converters/fromZigbee");
const tz = require("zigbee-herdsman-converters/converters/toZigbee");
const exposes = require("zigbee-herdsman-converters/lib/exposes");
const e = exposes.presets;
module.exports = {
  zigbeeModel: ["room-thermostat"],
  model: "room-thermostat",
  vendor: "homefleet",
  description: "Room thermostat",
  fromZigbee: [fz.thermostat],
  toZigbee: [tz.thermostat_local_temperature, tz.thermostat_occupied_heating_setpoint, tz.thermostat_system_mode, tz.thermostat_running_state],
  exposes: [
    e.climate().withSetpoint("occupied_heating_setpoint", 5, 30, 0.5).withLocalTemperature()
      .withSystemMode(["off", "heat", "auto"]).withRunningState(["idle", "heat"]),
    e.window_open(),
  ],
};
`);
};
