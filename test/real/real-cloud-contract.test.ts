import { it } from 'vitest';
import { cloudContract } from '../contract/cloud.ts';
import { realCloud } from '../support/cloud-real.ts';

const cloud = realCloud();
if (cloud === null) it.skip('OS_CLIENT_CONFIG_FILE does not name the clouds.yaml of test/real-cloud', () => {});
else cloudContract('the real cloud', async () => cloud);
