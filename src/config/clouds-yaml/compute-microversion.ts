import { type CloudParts, labelled, refuse, topText } from './cloud-parts.ts';

/**
 * `compute_default_microversion`, or what `compute_api_version: '2.60'` implies, as openstacksdk has it; null where
 * the cloud leaves it to us.
 */
export function computeMicroversionOf(cloud: CloudParts): string | null {
  const given = topText(cloud, 'compute_default_microversion');
  const label = cloud.label('compute_default_microversion');
  if (given === 'latest' || given?.endsWith('.latest')) {
    throw refuse(
      cloud,
      `${labelled(label, given ?? '', ['latest', '2.latest'])}, which an upgrade moves; pin one, such as 2.38`,
    );
  }
  if (given !== null && !/^2\.[1-9][0-9]*$/.test(given)) {
    throw refuse(cloud, `${labelled(label, given)}; a microversion of Nova is wanted, such as 2.38`);
  }
  const implied = impliedBy(topText(cloud, 'compute_api_version'));
  if (given !== null && implied !== null && given !== implied) {
    const other = cloud.label('compute_api_version');
    throw refuse(cloud, `${label} is '${given}' and ${other} is '${implied}'; keep one of the two`);
  }
  return given ?? implied;
}

/** '2', '2.0' and '2.1' stand in every openrc: they name the API, and leave the microversion to us. */
const impliedBy = (version: string | null): string | null =>
  version !== null && /^2\.[1-9][0-9]*$/.test(version) && version !== '2.1' ? version : null;
