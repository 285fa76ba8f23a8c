import { rememberSecret } from './redaction.ts';

/**
 * A value that logs, messages, `util.inspect` and JSON show as '***'. `reveal()` returns the text. It contains
 * functions, so posting it to another thread throws instead of losing it: see `mapSecrets` in cloud-access.ts for how
 * to send it.
 */
export type Secret = {
  reveal(): string;
  toString(): '***';
  toJSON(): '***';
};

/** The method that Node's util.inspect calls, for console.log and assertion messages. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Creates a secret and registers it for redaction in this thread. */
export function secret(value: string): Secret {
  rememberSecret(value);
  const masked = (): '***' => '***';
  return Object.freeze({ reveal: () => value, toString: masked, toJSON: masked, [INSPECT]: masked });
}
