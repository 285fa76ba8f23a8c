import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Request = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What a client gets: an answer, or what TCP has to say instead. */
export type Reply = Answer | 'reset' | 'closed' | 'never';

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

export const empty = (status: number): Answer => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: '',
});

export const withHeaders = (answer: Answer, headers: Readonly<Record<string, string>>): Answer => ({
  ...answer,
  headers: { ...answer.headers, ...headers },
});

/** As webob writes an error, for Nova, Glance and keystonemiddleware. */
export function webobPage(
  status: number,
  title: string,
  { text, detail = '' }: { text: string; detail?: string },
): Answer {
  const heading = `${status} ${title}`;
  return {
    status,
    headers: { 'Content-Type': 'text/html; charset=UTF-8' },
    body: `<html>
 <head>
  <title>${heading}</title>
 </head>
 <body>
  <h1>${heading}</h1>
  ${text}<br /><br />
${detail}


 </body>
</html>`,
  };
}

export const requestId = (): string => `req-${randomUUID()}`;

/** The body as JSON, or undefined where it isn't any. */
export function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export const headerOf = (request: Request, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};
