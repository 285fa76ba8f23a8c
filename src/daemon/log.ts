import { pino } from 'pino';
import { LOG_LEVELS, type Log, type LogFields, type LogLevel } from '../domain/log.ts';
import { redact } from '../domain/redaction.ts';
import type { OnConnectionChange } from '../domain/run/connection-status.ts';
import { printableLine } from '../format/printable.ts';
import { print, type Sink } from '../terminal/output.ts';

/**
 * Creates a log of the messages of `level` and above: short lines for people if `pretty` is set, otherwise JSON lines
 * for a log collector. Secrets are redacted.
 */
export function createLog(options: { readonly pretty: boolean; readonly level: LogLevel; readonly to: Sink }): Log {
  const { pretty, level: lowest, to } = options;
  const enabledLevels: readonly LogLevel[] = LOG_LEVELS.slice(LOG_LEVELS.indexOf(lowest));
  const write = pretty ? lineLog(to) : jsonLog(to);
  return (level, message, fields = {}) => {
    if (enabledLevels.includes(level)) write(level, redact(message), redactFields(fields));
  };
}

type Write = (level: LogLevel, message: string, fields: LogFields) => void;

const lineLog =
  (to: Sink): Write =>
  (level, message) => {
    const prefix = level === 'info' ? '' : `${level}: `;
    void print(to, `${new Date().toISOString().slice(11, 19)} ${prefix}${printableLine(message)}`);
  };

function jsonLog(to: Sink): Write {
  const logger = pino(
    {
      level: LOG_LEVELS[0],
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void print(to, line) },
  );
  return (level, message, fields) => logger[level](fields, message);
}

const redactFields = (fields: LogFields): LogFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );

/** Returns a listener that logs when the system of this name becomes unavailable, and when it is available again. */
export const logConnection =
  (name: string, log: Log): OnConnectionChange =>
  (state) => {
    if (state === 'recovered') log('info', `${name} is available again`);
    else if (state.again) log('debug', `${name} is still unavailable (${state.problem}); retrying`);
    else log('warn', `${name} is unavailable (${state.problem}); retrying`);
  };
