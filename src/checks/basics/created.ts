import { type Check, fail, pass } from '../../domain/check.ts';
import type { KeptServer } from '../survivors/compare.ts';

/** What a server was asked to be. */
export type Asked = {
  readonly name: string;
  /** By its name. */
  readonly flavor: string;
  readonly vcpus: number;
  /** The image's id. */
  readonly image: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Null: any. */
  readonly host: string | null;
};

/** Is a server that was just made what it was asked to be? */
export function checkCreated(check: string, asked: Asked, seen: KeptServer): Check {
  const { name, flavor, vcpus, image, metadata, host } = asked;
  const other = [
    ...(seen.name === name ? [] : [`is called ${seen.name}, not ${name}`]),
    ...(host === null || seen.host === host ? [] : [`is on ${seen.host ?? 'no host'}, not ${host}`]),
    ...(seen.flavor === flavor ? [] : [`has flavor ${seen.flavor}, not ${flavor}`]),
    ...(seen.vcpus === null || seen.vcpus === vcpus ? [] : [`has ${seen.vcpus} vCPUs, not ${vcpus}`]),
    ...(seen.image === image ? [] : [`is of image ${seen.image}, not ${image}`]),
    ...Object.entries(metadata)
      .filter(([key, value]) => seen.metadata[key] !== value)
      .map(([key, value]) => `has metadata ${key}=${seen.metadata[key] ?? ''}, not ${value}`),
  ];
  if (other.length > 0) return fail(check, `server ${seen.id} ${other.join(', ')}`);
  return pass(check, `${name}, ${flavor} with ${vcpus} vCPU${host === null ? '' : `, on ${host}`}`);
}
