// Prints a Markdown table of the documents that `homefleet conform --json` and `homefleet
// run --json` wrote: by group of statements, how many conform, of how many that could be
// judged; what the CONNACK says that the broker does without; and what came of scenarios.
const fs = require('fs');
const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };
const all = fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => {
  const [name, path] = line.split('\t');
  return { name, path, doc: JSON.parse(fs.readFileSync(`${path}.json`, 'utf8')) };
});
const groups = [...new Set(all.flatMap(({ doc }) => doc.statements.map((s) => s.group)))];
const row = (name, cell) => console.log(`| ${name} | ${all.map(cell).join(' | ')} |`);

const judged = (doc, group) => {
  const mine = doc.statements.filter((s) => !group || s.group === group);
  const count = (...states) => mine.filter((s) => states.includes(s.status)).length;
  const of = count('conforms', 'deviates', 'flaky');
  return of ? `${count('conforms')} of ${of}` : '';
};

const lacks = ({ doc: { facts: f } }) => {
  if (f.mqtt_3_1_1_only) return 'MQTT 5';
  const none = [];
  if (f.maximum_qos < 2) none.push(`QoS ${f.maximum_qos === 1 ? 2 : '1 and 2'}`);
  if (!f.retain_available) none.push('retained messages');
  if (!f.wildcard_subscription_available) none.push('wildcards');
  if (!f.subscription_identifier_available) none.push('Subscription Identifiers');
  if (!f.shared_subscription_available) none.push('shared subscriptions');
  if (!f.topic_alias_maximum) none.push('Topic Aliases');
  return none.join(', ') || 'nothing';
};

const came = (scenario) => ({ path }) => {
  const result = parsed(fs.readFileSync(`${path}-${scenario}.json`, 'utf8'));
  if (!result || !result.verdict) {
    const [first] = fs.readFileSync(`${path}-${scenario}.err`, 'utf8').split('\n');
    return first.replace(/^homefleet: error: /, '').replace(/^[a-z-]+\.toml: error: /, '').replace(/mqtt:\/\/[0-9.:]+/g, 'the broker') || 'no result';
  }
  const wrong = (result.expectations || []).filter((x) => x.status === 'fail').map((x) => `\`${x.metric}\` ${x.actual}`);
  const open = (result.expectations || []).filter((x) => x.status === 'no data').length;
  if (!wrong.length) return open ? `nothing fails; no data for ${open}` : result.verdict;
  const more = wrong.length > 3 ? `, and ${wrong.length - 3} more` : '';
  return `${result.verdict}: ${wrong.slice(0, 3).join(', ')}${more}`;
};

console.log(`| ${new Date().toISOString().slice(0, 10)} | ${all.map((b) => b.name).join(' | ')} |`);
console.log(`|---|${all.map(() => '---').join('|')}|`);
for (const g of groups) row(g, ({ doc }) => judged(doc, g));
row('all', ({ doc }) => judged(doc));
row('does without', lacks);
for (const s of ['bedroom', 'request-response', 'mass-offline', 'power-cut']) row(`\`run ${s}\``, came(s));
