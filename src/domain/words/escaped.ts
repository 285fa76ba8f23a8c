const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For HTML's text and quoted attributes. Control characters and those that turn the direction of writing become spaces. */
export const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/gu, ' ')
    .replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
