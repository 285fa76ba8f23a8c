import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number>>,
) => void;

/** Structured lines for a log collector; a person at a terminal gets them short. */
export function createLog(options: {
  readonly pretty: boolean;
  readonly level: string;
  readonly to: DestinationStream;
}): Log {
  if (options.pretty) {
    return (level, message) => {
      if (level === 'info' && options.level !== 'info' && options.level !== 'debug') return;
      options.to.write(`${new Date().toISOString().slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${message}\n`);
    };
  }
  const logger: Logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.to,
  );
  return (level, message, fields = {}) => logger[level](fields, message);
}
