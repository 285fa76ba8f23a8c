/** The colours of the style sheet, for drawing on a canvas. */
export type Palette = { readonly [name in (typeof NAMES)[number]]: string };

const NAMES = [
  'text',
  'muted',
  'grid',
  'surface',
  'up',
  'down',
  'down-soft',
  'degraded',
  'degraded-soft',
  'unobserved',
  'task',
  'task-other',
  'handler',
  'attributed',
  'phase',
  'phase-shade',
  'good',
  'warn',
  'bad',
  'line-new',
  'line-reused',
  'line-token',
  'stage-accepted',
  'stage-active',
  'stage-delete',
  'stage-gone',
  'focus',
] as const;

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette;
}

/** Returns a pattern of lines at 45 degrees, which distinguishes unobserved time from every colour. */
export function hatch(context: CanvasRenderingContext2D, colour: string, ratio: number): CanvasPattern | string {
  const size = Math.round(6 * ratio);
  const tile = document.createElement('canvas');
  tile.width = size;
  tile.height = size;
  const drawn = tile.getContext('2d');
  if (drawn === null) return colour;
  drawn.strokeStyle = colour;
  drawn.lineWidth = 1.2 * ratio;
  drawn.beginPath();
  for (const offset of [-size, 0, size]) {
    drawn.moveTo(offset, size);
    drawn.lineTo(offset + size, 0);
  }
  drawn.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}
