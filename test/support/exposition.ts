export type Exposition = {
  /** Returns the value of `name{label="value",...}`, with labels in any order. */
  get(sample: string): number | undefined;
  /** Every sample, as `name{...}`. */
  readonly samples: readonly string[];
};

const canonical = (sample: string): string => {
  const [, name = '', inside = ''] = /^([^{]+)(?:\{(.*)\})?$/s.exec(sample) ?? [];
  const labels = [...inside.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([label]) => label).sort();
  return labels.length === 0 ? name : `${name}{${labels.join(',')}}`;
};

/** Parses the Prometheus text format, as far as tests need. */
export function readExposition(text: string): Exposition {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    values.set(canonical(line.slice(0, space)), Number(line.slice(space + 1)));
  }
  return { get: (sample) => values.get(canonical(sample)), samples: [...values.keys()] };
}

/** Returns the type and the labels of every family by name, without `le`. */
export function readFamilies(text: string): ReadonlyMap<string, { type: string; labels: readonly string[] }> {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const labels = new Map<string, Set<string>>();
  for (const line of readExposition(text).samples) {
    const [, sample = '', inside = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(line) ?? [];
    const name = types.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '');
    const known = labels.get(name) ?? new Set();
    for (const [, label = ''] of inside.matchAll(/(\w+)="/g)) if (label !== 'le') known.add(label);
    labels.set(name, known);
  }
  return new Map([...types].map(([name, type]) => [name, { type, labels: [...(labels.get(name) ?? [])] }]));
}
