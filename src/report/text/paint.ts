import { styleText } from 'node:util';

export type Paint = {
  bad(text: string): string;
  warn(text: string): string;
  good(text: string): string;
  dim(text: string): string;
  strong(text: string): string;
};

const plain = (text: string): string => text;

/** Colours have one meaning everywhere: red is down, yellow slow, green up, dim unknown. */
export function createPaint(colour: boolean): Paint {
  if (!colour) return { bad: plain, warn: plain, good: plain, dim: plain, strong: plain };
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    text === '' ? '' : styleText(format, text, { validateStream: false });
  return {
    bad: style('red'),
    warn: style('yellow'),
    good: style('green'),
    dim: style('dim'),
    strong: style('bold'),
  };
}
