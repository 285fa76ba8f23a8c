import type { Cause, VoidCause } from './cause.ts';
import { redact } from './redaction.ts';
import type { Sample } from './sample.ts';
import type { SamplerEvent } from './sampler-event.ts';

/**
 * Redacts the secrets in all texts of a sampler event, as messages of a cloud may repeat what it was sent. Names, ids
 * and labels are not changed, as the program works with them.
 */
export function redactEvent(event: SamplerEvent): SamplerEvent {
  switch (event.type) {
    case 'sample':
      return { ...event, sample: redactSample(event.sample) };
    case 'progress':
      return { ...event, note: redact(event.note) };
    case 'gap':
      return { ...event, gap: { ...event.gap, message: redact(event.gap.message) } };
    case 'server':
      return { ...event, event: { ...event.event, message: redact(event.event.message) } };
    case 'facts':
      return { ...event, facts: redactValues(event.facts) };
    case 'health':
      return { ...event, health: { ...event.health, suspended: redactValues(event.health.suspended) } };
    case 'preflight': {
      const { refused } = event.preflight;
      if (refused === null) return event;
      return { ...event, preflight: { ...event.preflight, refused: { ...refused, message: redact(refused.message) } } };
    }
    case 'log':
      return { ...event, message: redact(event.message) };
    case 'sent':
    case 'stopped':
      return event;
  }
}

function redactSample(sample: Sample): Sample {
  const requestId = sample.requestId === null ? null : redact(sample.requestId);
  switch (sample.outcome) {
    case 'ok':
      return { ...sample, requestId };
    case 'failed':
      return { ...sample, requestId, cause: redactCause(sample.cause) };
    case 'void':
      return { ...sample, requestId, cause: redactCause(sample.cause) };
  }
}

const redactCause = <C extends Cause | VoidCause>(cause: C): C => ({
  ...cause,
  message: redact(cause.message),
  ...(cause.body === undefined ? {} : { body: redact(cause.body) }),
});

const redactValues = (values: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, redact(value)]));
