export type LineSplitter = {
  /** The lines that end in `bytes`, without their ends; what follows the last end waits for more. */
  push(bytes: Uint8Array): readonly string[];
  /** What waits, if anything, as a line; from then on it is as new. */
  flush(): readonly string[];
};

/** No line of Ansible is that long, in characters; what is beyond it is left out. */
const LONGEST = 32 * 1024 * 1024;

/** Bytes of UTF-8 in any chunks to lines that end in `\n` or `\r\n`, and in nothing else. */
export function createLineSplitter(longest = LONGEST): LineSplitter {
  let decoder = new TextDecoder();
  let waiting: string[] = [];
  let length = 0;

  const wait = (text: string): void => {
    const kept = text.slice(0, longest - length);
    if (kept === '') return;
    waiting.push(kept);
    length += kept.length;
  };

  const take = (): string => {
    const line = waiting.join('');
    waiting = [];
    length = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };

  return {
    push(bytes) {
      const [first = '', ...rest] = decoder.decode(bytes, { stream: true }).split('\n');
      wait(first);
      return rest.map((next) => {
        const line = take();
        wait(next);
        return line;
      });
    },
    flush() {
      wait(decoder.decode());
      decoder = new TextDecoder();
      return length > 0 ? [take()] : [];
    },
  };
}
