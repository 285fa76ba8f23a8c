export type LineSplitter = {
  /** Returns the lines that end in `bytes`, without line ends. Buffers the rest. */
  push(bytes: Uint8Array): readonly string[];
  /** Returns the buffered rest as a line, if there is any, and resets the splitter. */
  flush(): readonly string[];
};

/** Longer lines are truncated. Ansible's lines are shorter. */
const MAX_LINE_CHARACTERS = 32 * 1024 * 1024;

/** Creates a splitter of UTF-8, in arbitrary chunks, into lines that end in `\n` or `\r\n` only. */
export function createLineSplitter(maxLength = MAX_LINE_CHARACTERS): LineSplitter {
  let decoder = new TextDecoder();
  let buffered: string[] = [];
  let length = 0;

  const buffer = (text: string): void => {
    const part = text.slice(0, maxLength - length);
    if (part === '') return;
    buffered.push(part);
    length += part.length;
  };

  const takeLine = (): string => {
    const line = buffered.join('');
    buffered = [];
    length = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };

  return {
    push(bytes) {
      const [first = '', ...rest] = decoder.decode(bytes, { stream: true }).split('\n');
      buffer(first);
      return rest.map((next) => {
        const line = takeLine();
        buffer(next);
        return line;
      });
    },
    flush() {
      buffer(decoder.decode());
      decoder = new TextDecoder();
      return length > 0 ? [takeLine()] : [];
    },
  };
}
