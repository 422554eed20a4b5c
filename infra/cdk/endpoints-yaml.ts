import type { Access } from './options.ts';

/** What stands in the configuration of queriers for functions that are called like this. */
export function endpointsYaml(access: Access, endpoints: readonly string[]): string {
  // Function URLs want signatures, too: the backend is what signs.
  const backend = access === 'alb' ? [] : ['    external_backend: aws_lambda'];
  const lines = [
    'querier:',
    '  search:',
    '    prefer_self: 10',
    ...backend,
    '    external_endpoints:',
    ...endpoints.map((each) => `      - ${each}`),
  ];
  return `${lines.join('\n')}\n`;
}
