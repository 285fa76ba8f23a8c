/** Most detailed first; a log prints the messages of its own level and of every later one. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, string | number>>;
/** Logs a message; `fields` appear in JSON lines only. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;
