import { sampleFace } from '../domain/faces/sample.ts';
import type { Sample } from '../domain/sample.ts';
import { printableJson } from '../domain/words/printable.ts';

/** One JSON object a line. */
export const sampleJson = (sample: Sample): string => `${printableJson(sampleFace(sample))}\n`;
