import axios from 'axios';
import { Refusal } from '../domain/user-error.ts';

/** Tells the control listener of an embedded cloud what to do; gives its answer. */
export async function order(control: string, path: string, body: object): Promise<string> {
  if (!URL.canParse(control)) throw new Refusal(`--control is '${control}'; it must be the URL that the cloud printed`);
  try {
    const answer = await axios.post<string>(new URL(path, control).href, body, {
      responseType: 'text',
      transformResponse: (text: string) => text,
      validateStatus: () => true,
      proxy: false,
    });
    if (answer.status < 300) return answer.data;
    throw new Refusal(`the embedded cloud refuses: ${answer.data}`);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`no embedded cloud answers at ${control}: ${error instanceof Error ? error.message : error}`, 3);
  }
}
