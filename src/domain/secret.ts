import { rememberSecret } from './redaction.ts';

/**
 * A value that no log, message, inspection or JSON may show: all of them get '***'. What needs the text asks for it
 * with `reveal()`. It holds functions, so that sending it to another thread fails loudly instead of losing it: see
 * `mapSecrets` in cloud-access.ts for how to carry it across.
 */
export type Secret = {
  reveal(): string;
  toString(): '***';
  toJSON(): '***';
};

/** The name under which Node's util.inspect (console.log, assertion messages) looks for a value's own way to be shown. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

export function secret(value: string): Secret {
  rememberSecret(value);
  const masked = (): '***' => '***';
  return Object.freeze({ reveal: () => value, toString: masked, toJSON: masked, [INSPECT]: masked });
}
