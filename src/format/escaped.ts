import { printable } from './printable.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For HTML's text and quoted attributes. What is not seen is shown. */
export const escaped = (text: string): string => printable(text).replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
