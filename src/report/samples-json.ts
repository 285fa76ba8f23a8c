import { toApiSample } from '../api/sample.ts';
import type { Sample } from '../domain/sample.ts';
import { printableJson } from '../format/printable.ts';

/** One JSON object per line. */
export const sampleJson = (sample: Sample): string => `${printableJson(toApiSample(sample))}\n`;
