/**
 * Upper edges in seconds. There is an edge at each budget that an operator may have for an API call and for a boot, so
 * that 'how many took longer' has an exact answer. One list, as a metric has one: a label tells requests from boots.
 */
const API = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];
const BOOT = [0.5, 1, 2, 3, 5, 7.5, 10, 12.5, 15, 20, 30, 45, 60, 120];

export const BUCKETS: readonly number[] = [...new Set([...API, ...BOOT])].sort((a, b) => a - b);
