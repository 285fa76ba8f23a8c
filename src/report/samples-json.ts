import { sampleFace } from '../domain/faces/sample.ts';
import type { Sample } from '../domain/sample.ts';

/** One JSON object a line. */
export const sampleJson = (sample: Sample): string => `${JSON.stringify(sampleFace(sample))}\n`;
