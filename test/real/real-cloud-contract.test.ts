import { it } from 'vitest';
import { cloudContract } from '../contract/cloud.ts';
import { realCloud } from '../support/cloud-real.ts';
import { isMissing } from '../support/requirements.ts';

const cloud = realCloud();
if (cloud !== null) cloudContract('the real cloud', async () => cloud);
else {
  const problem = 'OS_CLIENT_CONFIG_FILE does not name the clouds.yaml of test/real-cloud';
  it.skipIf(isMissing({ name: 'the real cloud', problem }))('the contract on the real cloud', () => {});
}
