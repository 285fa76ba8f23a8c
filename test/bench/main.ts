/** npm run bench -- NAME ...: one module a benchmark. */
const BENCHES = ['accuracy', 'alert', 'attribution', 'callback', 'cost', 'growth', 'journal', 'page', 'tasks'] as const;

const [name, ...rest] = process.argv.slice(2);
const found = BENCHES.find((one) => one === name);
if (found === undefined) {
  console.error(`usage: npm run bench -- ${BENCHES.join('|')}`);
  process.exit(2);
}
process.argv.splice(2, process.argv.length, ...rest);
await import(`./${found}.ts`);
