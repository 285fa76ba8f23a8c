/** One mapping laid over another, to any depth; what is no mapping is replaced. */
export function overlay(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isMapping(under) || !isMapping(over)) return over;
  const merged = Object.entries(over).map(([key, one]) => [key, overlay(under[key], one)] as const);
  return { ...under, ...Object.fromEntries(merged) };
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
