/** Markup that is known to be safe: only `html` makes it. */
export type Markup = { readonly markup: string };
type Part = string | number | Markup | null | readonly Part[];

/** Whatever is filled in is text, unless it was made here too: nothing that a cloud or a playbook says can be a tag. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  markup: strings.map((text, index) => text + (index < parts.length ? written(parts[index] ?? null) : '')).join(''),
});

function written(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(written).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and quoted attributes. Control characters and those that turn the direction of writing become spaces. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/gu, ' ')
    .replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
