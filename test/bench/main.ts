/** Runs the benchmark of `npm run bench -- NAME`; each is a module. */
const BENCHES = [
  'accuracy',
  'alert',
  'attribution',
  'callback',
  'cost',
  'coverage',
  'growth',
  'journal',
  'page',
  'tasks',
] as const;

const [name, ...rest] = process.argv.slice(2);
const found = BENCHES.find((bench) => bench === name);
if (found === undefined) {
  console.error(`usage: npm run bench -- ${BENCHES.join('|')}`);
  process.exit(2);
}
process.argv.splice(2, process.argv.length, ...rest);
await import(`./${found}.ts`);
