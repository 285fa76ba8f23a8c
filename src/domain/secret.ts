const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** A password, a token, a key: whatever shows it shows '***', and only `reveal` gives it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** To be called where it is sent, and nowhere else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [INSPECT](): string {
    return '***';
  }
}
