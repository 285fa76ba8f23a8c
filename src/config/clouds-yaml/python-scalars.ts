import type { ScalarTag } from 'yaml';

/**
 * Plain scalars as PyYAML reads them (yaml/resolver.py: YAML 1.1 with exceptions of its own), as OpenStack's clients
 * then pass them on: numbers as Python prints them. A password of 0123 is sent as '83' by every client; read as
 * YAML 1.2 it would be '123', and a password of 12e45, which PyYAML takes for text, would be lost altogether.
 */
export const PYTHON_SCALARS: ScalarTag[] = [
  { tag: 'tag:yaml.org,2002:null', default: true, test: /^(?:~|null|Null|NULL|)$/, resolve: () => null },
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
    resolve: (source) => /^(?:yes|true|on)$/i.test(source),
  },
  {
    tag: 'tag:yaml.org,2002:float',
    default: true,
    test: /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/,
    resolve: pythonFloat,
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*(?::[0-5]?[0-9])*|0x[0-9a-fA-F_]+)$/,
    resolve: pythonInt,
  },
];

function pythonFloat(source: string): string {
  const value = Number(source.replaceAll('_', ''));
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}

/** Python itself prints no longer ones. */
const DIGITS = 4300;

function pythonInt(source: string): string {
  if (source.length > DIGITS) return source;
  const digits = source.replaceAll(/[-+_]/g, '');
  const size = magnitude(digits);
  return String(source.startsWith('-') ? -size : size);
}

function magnitude(digits: string): bigint {
  if (digits.includes(':')) return digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  if (/^0[0-7]/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  return BigInt(digits === '' ? '0' : digits);
}
