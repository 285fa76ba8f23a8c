import { type Logger, pino } from 'pino';
import { print, type Sink } from '../cli/output.ts';
import { redact } from '../domain/redaction.ts';
import { printableLine } from '../format/printable.ts';

type Fields = Readonly<Record<string, string | number>>;
export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Fields) => void;

/** Logs short lines for people if `pretty` is set, otherwise JSON lines for a log collector. Redacts secrets. */
export function createLog(options: { readonly pretty: boolean; readonly level: string; readonly to: Sink }): Log {
  if (options.pretty) {
    return (level, message) => {
      if (level === 'info' && options.level !== 'info' && options.level !== 'debug') return;
      const prefix = level === 'info' ? '' : `${level}: `;
      void print(options.to, `${new Date().toISOString().slice(11, 19)} ${prefix}${printableLine(redact(message))}`);
    };
  }
  const logger: Logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void print(options.to, line) },
  );
  return (level, message, fields = {}) => logger[level](redactFields(fields), redact(message));
}

const redactFields = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );
