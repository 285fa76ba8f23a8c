import axios from 'axios';
import { z } from 'zod';
import { errorLine } from '../domain/error-line.ts';
import { Refusal } from '../domain/user-error.ts';

export type Ask = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** In milliseconds. */
  readonly timeout?: number;
};

const problem = z.object({ title: z.string(), detail: z.string().optional() });

/** Asks a running daemon and reads its answer, which is of another program where it is not as `schema` has it. */
export async function askFor<T>(schema: z.ZodType<T>, url: string, what: Ask): Promise<T> {
  const body = await ask(url, what);
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    throw notADaemon(url);
  }
}

export const notADaemon = (url: string): Refusal =>
  new Refusal(`what answers at ${url} is not a Rollwatch daemon of this version`, 3);

/** Asks a running daemon; gives the body of its answer. What it refuses is a `Refusal`. */
export const ask = async (url: string, what: Ask): Promise<string> => (await askWhole(url, what)).body;

export type Answer = { readonly body: string; readonly header: (name: string) => string | null };

/** Like `ask`, with the headers. */
export async function askWhole(
  url: string,
  { method, path, token, body = {}, headers: more = {}, timeout = 30_000 }: Ask,
): Promise<Answer> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Refusal(`the daemon's URL is '${url}'; it must be as http://127.0.0.1:9774`);
  const headers = { ...more, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
  try {
    const answer = await axios.request<string>({
      method,
      url: new URL(path, url).href,
      headers,
      ...(method === 'POST' ? { data: body } : {}),
      responseType: 'text',
      transformResponse: (body: string) => body,
      validateStatus: () => true,
      timeout,
      proxy: false,
    });
    if (answer.status < 300) {
      const header = (name: string) => {
        const value: unknown = answer.headers[name];
        return typeof value === 'string' ? value : null;
      };
      return { body: answer.data, header };
    }
    throw new Refusal(
      `the daemon at ${url} refuses ${method} ${path}: ${problemOf(answer.data)}`,
      answer.status >= 500 ? 3 : 2,
    );
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const reason = error instanceof Error ? errorLine(error.message) : errorLine(error);
    throw new Refusal(`no daemon answers at ${url}: ${reason}; 'rollwatch watch' starts one, and --url names where`, 3);
  }
}

function problemOf(body: string): string {
  try {
    const { title, detail } = problem.parse(JSON.parse(body));
    return detail ?? title;
  } catch {
    return 'it is not a Rollwatch daemon';
  }
}
