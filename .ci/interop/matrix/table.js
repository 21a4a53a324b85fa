// Prints a Markdown table of the documents that `homefleet conform --json` wrote: by
// group, how many statements conform, of how many that could be judged.
const fs = require('fs');
const all = fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => {
  const [name, file] = line.split('\t');
  return { name, doc: JSON.parse(fs.readFileSync(file, 'utf8')) };
});
const groups = [...new Set(all.flatMap(({ doc }) => doc.statements.map((s) => s.group)))];
const cell = (doc, group) => {
  const mine = doc.statements.filter((s) => !group || s.group === group);
  const count = (...states) => mine.filter((s) => states.includes(s.status)).length;
  const judged = count('conforms', 'deviates', 'flaky');
  return judged ? `${count('conforms')} of ${judged}` : '';
};
console.log(`| ${new Date().toISOString().slice(0, 10)} | ${all.map((b) => b.name).join(' | ')} |`);
console.log(`|---|${all.map(() => '---').join('|')}|`);
for (const g of groups) console.log(`| ${g} | ${all.map(({ doc }) => cell(doc, g)).join(' | ')} |`);
console.log(`| all | ${all.map(({ doc }) => cell(doc)).join(' | ')} |`);
