// Deploys the search functions to Cloud Run and prints what to write into the configuration of queriers:
//
//   npm run cloudrun:deploy -- --project P --region R --image I --bucket B --service-account A --invoker serviceAccount:Q …
//
// With --yaml it prints the services for `gcloud run services replace` instead. Credentials are application default credentials.
import { stringify } from 'yaml';
import { deploy, openAdmin } from './admin.ts';
import { knativeOf } from './knative.ts';
import { readCommand } from './settings.ts';

async function main(): Promise<void> {
  const { settings, yaml, apiEndpoint } = readCommand(process.argv.slice(2));
  if (yaml) {
    console.log(
      knativeOf(settings)
        .map((each) => stringify(each))
        .join('---\n')
        .trimEnd(),
    );
    return;
  }
  const admin = openAdmin(apiEndpoint);
  const endpoints = await deploy(admin, settings, (line) => console.error(line));
  await admin.close();
  const search = { prefer_self: 10, external_backend: 'google_cloud_run', google_cloud_run: { external_endpoints: endpoints } };
  // Bills count the cores of an instance, which a function cannot tell.
  console.log(stringify({ querier: { search, external: { prices: { cloudrun_vcpus: settings.cpu } } } }).trimEnd());
}

try {
  await main();
} catch (error) {
  console.error(`cloudrun: ${(error as Error).message}`);
  process.exitCode = 1;
}
