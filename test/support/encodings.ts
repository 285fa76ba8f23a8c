const utf8 = (text: string) => [...new TextEncoder().encode(text)];
export const hex = (code: number, digits = 2) => code.toString(16).padStart(digits, '0');
const units = (text: string) => Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** Every encoding in which a server, a proxy or a traceback may repeat the text of a request. */
export const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  JSON: inJson,
  'JSON in JSON': (text) => inJson(inJson(text)),
  'JSON in ASCII': (text) => inJson(text).replaceAll(/[\u007f-\uffff]/g, (char) => `\\u${hex(char.charCodeAt(0), 4)}`),
  'JSON with every character escaped': (text) =>
    units(text)
      .map((unit) => `\\u${hex(unit, 4).toUpperCase()}`)
      .join(''),
  'a URL': (text) => encodeURIComponent(text),
  'a URL in lower case': (text) => encodeURIComponent(text).replaceAll(/%../g, (code) => code.toLowerCase()),
  'a URL in a URL': (text) => encodeURIComponent(encodeURIComponent(text)),
  'a URL with every byte escaped': (text) =>
    utf8(text)
      .map((byte) => `%${hex(byte)}`)
      .join(''),
  'a form': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  HTML: (text) =>
    text.replaceAll(/[&<>"']/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? '&#39;'),
  'numeric entities': (text) => [...text].map((char) => `&#${char.codePointAt(0)};`).join(''),
  'hexadecimal entities': (text) => [...text].map((char) => `&#x${(char.codePointAt(0) ?? 0).toString(16)};`).join(''),
  "Python's bytes": (text) =>
    utf8(text)
      .map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${hex(byte)}`))
      .join(''),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64url within a longer text': (text) => Buffer.from(`user:${text}:more`).toString('base64url'),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
};
