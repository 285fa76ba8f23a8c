import { z } from 'zod';
import { timestamp } from '../api/shared.ts';

/** Answers that belong to no resource; src/api has the others. */

export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
});

export const looseObject = z.looseObject({});

export const healthSchema = z.strictObject({ alive: z.literal(true), version: z.string() });
export const readySchema = z.strictObject({ ready: z.literal(true), paused: z.boolean() });
export const annotationMessageSchema = z.strictObject({ message: z.string(), id: z.int().optional() });
export const annotationSchema = z.looseObject({
  id: z.int(),
  time: z.number(),
  timeEnd: z.number(),
  text: z.string(),
  tags: z.array(z.string()),
  data: z.unknown(),
});
export const annotationsSchema = z.array(annotationSchema);
export const acceptedSchema = z.strictObject({ accepted: z.int() });
export const phaseMarkSchema = z.strictObject({ name: z.string(), at: timestamp });
export const pausedSchema = z.strictObject({ paused: z.boolean() });

/** What goes into the OpenAPI document. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
