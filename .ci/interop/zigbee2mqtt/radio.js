// A radio that does not exist: three Zigbee devices in memory, behind the adapter
// interface of zigbee-herdsman. Loaded with `node -r`, it stands in for the serial
// adapter, so that the real Zigbee2MQTT starts without hardware. It answers what
// a device of such a kind answers (Zigbee Cluster Library: read, write, configure
// reporting, and the commands of its clusters) and remembers the attributes.
"use strict";

const { createRequire } = require("node:module");
const need = createRequire(require.resolve("zigbee2mqtt/package.json", { paths: [process.cwd()] }));
const { Adapter } = need("zigbee-herdsman/dist/adapter/adapter.js");
const { Zcl, Zdo } = need("zigbee-herdsman");

const coordinator = "0x00124b0000000000";

const basic = (manufacturerName, modelId) => ({
  zclVersion: 3, appVersion: 1, stackVersion: 2, hwVersion: 1, manufacturerName, modelId,
  dateCode: "20240101", powerSource: 1, swBuildId: "1.0.0",
});

// What the devices' clusters hold, by endpoint 1 of each network address.
const devices = {
  0x1001: {
    ieee: "0x0017880100000001",
    genBasic: basic("Paulmann Licht GmbH", "RGBW"),
    genOnOff: { onOff: 0, startUpOnOff: 255 },
    genLevelCtrl: { currentLevel: 254, startUpCurrentLevel: 255 },
    lightingColorCtrl: {
      colorMode: 2, enhancedColorMode: 2, colorTemperature: 370, currentX: 30000, currentY: 26000,
      currentHue: 0, currentSaturation: 0, colorCapabilities: 31,
      colorTempPhysicalMin: 153, colorTempPhysicalMax: 500, startUpColorTemperature: 65535, options: 0,
    },
  },
  0x1002: {
    ieee: "0x0017880100000002",
    genBasic: basic("innr", "SP 240"),
    genOnOff: { onOff: 1, startUpOnOff: 255 },
    haElectricalMeasurement: {
      activePower: 60, rmsCurrent: 260, rmsVoltage: 230,
      acPowerMultiplier: 1, acPowerDivisor: 1, acCurrentMultiplier: 1, acCurrentDivisor: 1000,
      acVoltageMultiplier: 1, acVoltageDivisor: 1,
    },
    seMetering: { currentSummDelivered: 125, instantaneousDemand: 60, multiplier: 1, divisor: 100 },
  },
  0x1003: {
    ieee: "0x0017880100000003",
    genBasic: basic("homefleet", "room-thermostat"),
    hvacThermostat: {
      localTemp: 2030, occupiedHeatingSetpoint: 2100, systemMode: 4, runningState: 1,
      minHeatSetpointLimit: 500, maxHeatSetpointLimit: 3000,
    },
  },
};

for (const device of Object.values(devices)) device.groups = new Set(device.genLevelCtrl ? [1] : []);

// refuses says whether a thermostat does not take a value: one beyond its limits, or a
// mode that it has not.
function refuses(held, name, value) {
  if (name === "occupiedHeatingSetpoint") return !(value >= held.minHeatSetpointLimit && value <= held.maxHeatSetpointLimit);
  if (name === "systemMode") return ![0, 1, 4].includes(value);
  return false;
}

// obey changes a device's attributes as a command of a cluster does.
function obey(device, cluster, command, p) {
  const on = device.genOnOff, level = device.genLevelCtrl, color = device.lightingColorCtrl;
  const dim = (to, switches) => {
    level.currentLevel = Math.min(254, Math.max(1, to));
    if (switches) on.onOff = to > 0 ? 1 : 0;
  };
  switch (command) {
    case "off": case "offWithEffect": on.onOff = 0; break;
    case "on": on.onOff = 1; break;
    case "toggle": on.onOff = 1 - on.onOff; break;
    case "moveToLevel": dim(p.level, false); break;
    case "moveToLevelWithOnOff": dim(p.level, true); break;
    case "step": dim(level.currentLevel + (p.stepmode === 0 ? 1 : -1) * p.stepsize, false); break;
    case "stepWithOnOff": dim(level.currentLevel + (p.stepmode === 0 ? 1 : -1) * p.stepsize, true); break;
    case "move": case "moveWithOnOff": device.moving = (p.movemode === 0 ? 1 : -1) * p.rate; break;
    case "stop": case "stopWithOnOff":
      // It was always 150 ms on its way, or what it says would be a matter of time.
      if (device.moving) dim(Math.round(level.currentLevel + device.moving * 0.15), false);
      device.moving = 0;
      break;
    case "moveToColorTemp": color.colorTemperature = p.colortemp; color.colorMode = 2; break;
    case "stepColorTemp":
      color.colorTemperature = Math.min(500, Math.max(153, color.colorTemperature + (p.stepmode === 1 ? 1 : -1) * p.stepsize));
      color.colorMode = 2;
      break;
    case "moveToColor": color.currentX = p.colorx; color.currentY = p.colory; color.colorMode = 1; break;
    case "moveToHueAndSaturation": color.currentHue = p.hue; color.currentSaturation = p.saturation; color.colorMode = 0; break;
    case "enhancedMoveToHueAndSaturation": color.enhancedCurrentHue = p.enhancehue; color.currentSaturation = p.saturation; color.colorMode = 0; break;
  }
}

class Radio extends Adapter {
  async start() {
    // Each device tells its first attribute, so that the strength of its signal is known.
    setTimeout(() => {
      for (const [address, device] of Object.entries(devices)) {
        const cluster = Object.keys(device)[2], attribute = Object.keys(device[cluster])[0];
        const { ID, type } = Zcl.Utils.getCluster(cluster).attributes[attribute];
        const frame = Zcl.Frame.create(Zcl.FrameType.GLOBAL, Zcl.Direction.SERVER_TO_CLIENT, true, undefined, 1, "report", cluster,
          [{ attrId: ID, dataType: type, attrData: device[cluster][attribute] }], {});
        this.emit("zclPayload", this.heard(frame, Number(address)));
      }
    }, 2000);
    return "resumed";
  }
  async stop() {}
  async getCoordinatorIEEE() { return coordinator; }
  async getCoordinatorVersion() { return { type: "zStack3x0", meta: { transportrev: 2, product: 1, majorrel: 2, minorrel: 7, maintrel: 1, revision: 20240710 } }; }
  async reset() {}
  async supportsBackup() { return true; }
  async backup() {
    const bytes = (ieee) => Buffer.from(ieee.slice(2), "hex");
    return {
      networkOptions: { panId: 6754, extendedPanId: Buffer.alloc(8, 0xdd), channelList: [11], networkKey: Buffer.alloc(16, 1), networkKeyDistribute: false },
      logicalChannel: 11, networkKeyInfo: { sequenceNumber: 0, frameCounter: 0 }, securityLevel: 5, networkUpdateId: 0,
      coordinatorIeeeAddress: bytes(coordinator),
      devices: Object.entries(devices).map(([nwk, d]) => ({ networkAddress: Number(nwk), ieeeAddress: bytes(d.ieee), isDirectChild: false })),
    };
  }
  async getNetworkParameters() { return { panID: 6754, extendedPanID: "0xdddddddddddddddd", channel: 11, nwkUpdateID: 0 }; }
  async addInstallCode() {}
  async permitJoin() {}
  waitFor() { return { promise: new Promise(() => {}), cancel() {} }; }
  async setChannelInterPAN() {}
  async restoreChannelInterPAN() {}
  async sendZclFrameInterPANToIeeeAddr() {}
  async sendZclFrameInterPANBroadcast() { throw new Error("nobody near"); }
  async sendZclFrameToAll() {}

  async sendZclFrameToGroup(group, frame) {
    for (const device of Object.values(devices)) {
      if (device.groups.has(group)) obey(device, frame.cluster.name, frame.command.name, frame.payload);
    }
  }

  async sendZdo(ieee, address, cluster, payload, disableResponse) {
    if (disableResponse) return undefined;
    const ok = (body) => [Zdo.Status.SUCCESS, body];
    switch (cluster) {
      case Zdo.ClusterId.ACTIVE_ENDPOINTS_REQUEST:
        return ok({ nwkAddress: address, endpointList: [1] });
      case Zdo.ClusterId.SIMPLE_DESCRIPTOR_REQUEST:
        return ok({ nwkAddress: address, length: 0, endpoint: 1, profileId: 260, ...this.descriptor(address), deviceVersion: 1 });
      case Zdo.ClusterId.NODE_DESCRIPTOR_REQUEST:
        return ok({ nwkAddress: address, logicalType: address === 0 ? 0 : 1, manufacturerCode: 4456, serverMask: {}, capabilities: {} });
      case Zdo.ClusterId.LQI_TABLE_REQUEST:
        return ok(address === 0 ? this.neighbours() : { neighborTableEntries: 0, startIndex: 0, entryList: [] });
      case Zdo.ClusterId.ROUTING_TABLE_REQUEST:
        return ok({ routingTableEntries: 0, startIndex: 0, entryList: [] });
      case Zdo.ClusterId.NETWORK_ADDRESS_REQUEST:
        return ok({ eui64: ieee, nwkAddress: address, startIndex: 0, assocDevList: [] });
      default:
        return ok(undefined);
    }
  }

  // The coordinator hears every device, and they hear nobody else.
  neighbours() {
    const entryList = Object.entries(devices).map(([nwk, d]) => ({
      extendedPanId: Array(8).fill(0xdd), eui64: d.ieee, nwkAddress: Number(nwk), deviceType: 1, rxOnWhenIdle: 1,
      relationship: 1, reserved1: 0, permitJoining: 0, reserved2: 0, depth: 1, lqi: 150,
    }));
    return { neighborTableEntries: entryList.length, startIndex: 0, entryList };
  }

  descriptor(address) {
    const entry = [...require("node:fs").readFileSync(process.env.ZIGBEE2MQTT_DATA + "/database.db", "utf8").trim().split("\n")]
      .map((line) => JSON.parse(line)).find((row) => row.nwkAddr === address);
    const ep = entry?.endpoints["1"];
    return { deviceId: ep?.devId ?? 5, inClusterList: ep?.inClusterList ?? [], outClusterList: ep?.outClusterList ?? [] };
  }

  async sendZclFrameToEndpoint(ieee, address, endpoint, frame, timeout, disableResponse) {
    const device = devices[address];
    if (!device) throw new Error("no such device");
    const held = device[frame.cluster.name] ?? {};
    const name = (id) => Object.values(frame.cluster.attributes).find((a) => a.ID === id);
    let command = "defaultRsp", payload = { cmdId: frame.command.ID, statusCode: Zcl.Status.SUCCESS };
    if (frame.header.isGlobal) {
      switch (frame.command.name) {
        case "read":
          command = "readRsp";
          payload = frame.payload.map(({ attrId }) => {
            const a = name(attrId);
            return a && a.name in held
              ? { attrId, status: Zcl.Status.SUCCESS, dataType: a.type, attrData: held[a.name] }
              : { attrId, status: Zcl.Status.UNSUPPORTED_ATTRIBUTE };
          });
          break;
        case "write":
          command = "writeRsp";
          payload = frame.payload.map(({ attrId, attrData }) => {
            const a = name(attrId);
            if (refuses(held, a?.name, attrData)) return { attrId, status: Zcl.Status.INVALID_VALUE };
            if (a) held[a.name] = attrData;
            return { attrId, status: Zcl.Status.SUCCESS };
          });
          break;
        case "configReport":
          command = "configReportRsp";
          payload = [{ status: Zcl.Status.SUCCESS }];
          break;
      }
    } else {
      obey(device, frame.cluster.name, frame.command.name, frame.payload);
      if (frame.cluster.name === "genGroups") device.groups[frame.command.name === "add" ? "add" : "delete"](frame.payload.groupid);
      if (frame.cluster.name === "genGroups" && frame.command.response !== undefined) {
        return this.answer(frame, address, Zcl.FrameType.SPECIFIC, frame.command.name + "Rsp", { status: 0, groupid: frame.payload.groupid });
      }
    }
    const answer = this.answer(frame, address, Zcl.FrameType.GLOBAL, command, payload);
    this.emit("zclPayload", answer);
    return disableResponse ? undefined : answer;
  }

  answer(frame, address, type, command, payload) {
    const out = Zcl.Frame.create(type, Zcl.Direction.SERVER_TO_CLIENT, true, frame.header.manufacturerCode,
      frame.header.transactionSequenceNumber, command, frame.cluster, payload, {});
    return this.heard(out, address);
  }

  heard(frame, address) {
    return {
      clusterID: frame.cluster.ID, data: frame.toBuffer(), header: frame.header, address, endpoint: 1,
      linkquality: 150, groupID: 0, wasBroadcast: false, destinationEndpoint: 1,
    };
  }
}

Adapter.create = async (network, port, backup, options) => new Radio(network, port, backup, options);
