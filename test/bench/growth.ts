/**
 * Measures the cost of each doubling of an input: a factor of about 2 is linear, 4 quadratic. `npm run bench -- growth
 * [DOUBLINGS]`
 */

import { costOf, GROWTHS } from '../support/growth.ts';

const DOUBLINGS = Number(process.argv[2] ?? 3);
const RUNS = 3;

console.log('| input | size | ms | ratio |\n|---|---|---|---|');
for (const { name, size, make } of GROWTHS) {
  let before: number | null = null;
  for (let doubling = 0; doubling <= DOUBLINGS; doubling++) {
    const now = size * 2 ** doubling;
    const took = costOf(make(now), RUNS);
    console.log(`| ${name} | ${now} | ${took.toFixed(1)} | ${before === null ? '' : (took / before).toFixed(1)} |`);
    before = took;
  }
}
