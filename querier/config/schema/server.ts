import { acceptedKeys, type ConfigKey, section } from './key.ts';

/** Certificates of a port: texts of PEM, or files. */
function tlsKeys(prefix: string, status: 'used' | 'accepted'): readonly ConfigKey[] {
  return section(prefix, [
    ['cert', 'string', '', status, 'Certificate; with a key the port speaks TLS.'],
    ['key', 'string', '', status, { secret: true, meaning: 'Its key.' }],
    ['client_ca', 'string', '', status, 'Authorities whose clients are let in.'],
    ['cert_file', 'string', '', status, 'PEM file of the certificate.'],
    ['key_file', 'string', '', status, 'PEM file of its key.'],
    ['client_ca_file', 'string', '', status, 'PEM file of the authorities.'],
    ['client_auth_type', 'string', '', status, '`NoClientCert`, `RequestClientCert` or `RequireAndVerifyClientCert`.'],
  ]);
}

/** Keys of `server` that have no effect here. */
function acceptedServerKeys(name: string): readonly ConfigKey[] {
  return [
    ...acceptedKeys(
      name,
      'bool',
      'grpc_server_ping_without_stream_allowed grpc_server_stats_tracking_enabled grpc_server_recv_buffer_pools_enabled',
      'A setting of Go\u2019s gRPC server.',
    ),
    ...acceptedKeys(
      name,
      'bool',
      `log_source_ips_enabled log_source_ips_full log_request_headers log_request_at_info_level_enabled
      http_log_closed_connections_without_response_enabled`,
      'Requests are logged by `query stats`.',
    ),
    ...acceptedKeys(
      name,
      'bool',
      'report_grpc_codes_in_instrumentation_label_enabled grpc_collect_max_streams_by_conn',
      'gRPC calls count as `success`, `error` or `cancel`.',
    ),
    ...acceptedKeys(name, 'bool', 'create_new_traces trace_request_headers', 'See docs/telemetry.md.'),
    ...acceptedKeys(name, 'bool', 'proxy_protocol_enabled', 'The PROXY protocol is not spoken.'),
    ...acceptedKeys(
      name,
      'duration',
      `grpc_server_keepalive_time grpc_server_keepalive_timeout grpc_server_max_connection_age grpc_server_max_connection_age_grace
      grpc_server_max_connection_idle grpc_server_min_time_between_pings`,
      'Connections stay while both sides want them.',
    ),
    ...acceptedKeys(
      name,
      'int',
      'grpc_server_num_workers grpc_server_read_buffer_size grpc_server_write_buffer_size',
      'A setting of Go\u2019s gRPC server.',
    ),
    ...acceptedKeys(
      name,
      'string',
      `log_request_exclude_headers_list log_source_ips_header log_source_ips_regex
      trace_request_exclude_headers_list`,
      'Neither headers nor addresses are logged.',
    ),
  ];
}

/** Keys of `server`; `internal_server` has the same with other defaults and no effect here (spec config §3). */
function serverSection(name: string, httpPort: number, status: 'used' | 'accepted'): readonly ConfigKey[] {
  return [
    ...section(name, [
      ['http_listen_address', 'string', '', status, 'Address of the HTTP port; empty is all.'],
      ['http_listen_port', 'int', httpPort, status, 'HTTP port; 0 is any free one.'],
      ['http_path_prefix', 'string', '', status, 'Stands before every path, `/ready` and `/metrics` too.'],
      ['http_listen_conn_limit', 'int', 0, status, 'Open connections; 0 is unlimited.'],
      ['http_server_read_timeout', 'duration', '30s', status, 'Longest time to read a request.'],
      ['http_server_read_header_timeout', 'duration', '0s', status, 'Longest time to read its headers; 0 is the read timeout.'],
      ['http_server_write_timeout', 'duration', '30s', status, 'Longest time of a request. Raise it for long queries.'],
      ['http_server_idle_timeout', 'duration', '2m', status, 'An idle connection is closed after this.'],
      ['graceful_shutdown_timeout', 'duration', '30s', status, 'Requests may take so long when the process stops.'],
      ['register_instrumentation', 'bool', true, status, 'Serve `/metrics`.'],
      ['tls_min_version', 'string', '', status, 'VersionTLS10 to VersionTLS13; empty is VersionTLS12.'],
      ['tls_cipher_suites', 'string', '', status, 'Suites by their names in Go, separated by commas; empty is a good choice.'],
      ['log_level', 'string', 'info', status, '`debug`, `info`, `warn` or `error`.'],
      ['log_format', 'string', 'logfmt', status, '`logfmt` or `json`.'],
      ['grpc_listen_address', 'string', '', status, 'Address of the gRPC port.'],
      [
        'grpc_listen_port',
        'int',
        9095,
        status,
        'gRPC port of a query-frontend: queriers connect there, and clients of `tempopb.StreamingQuerier`.',
      ],
      ['http_listen_network', 'string', 'tcp', 'accepted'],
      ['grpc_listen_network', 'string', 'tcp', 'accepted'],
      ['grpc_listen_conn_limit', 'int', 0, status, 'Open connections of the gRPC port; 0 is unlimited.'],
      ['grpc_server_max_recv_msg_size', 'int', 16777216, status, 'Largest message of a querier.'],
      ['grpc_server_max_send_msg_size', 'int', 16777216, 'accepted'],
      ['grpc_server_max_concurrent_streams', 'uint', 100, status, 'Streams of one connection.'],
    ]),
    ...tlsKeys(`${name}.http_tls_config`, status),
    ...tlsKeys(`${name}.grpc_tls_config`, status),
    ...acceptedKeys(name, 'any', 'cluster_validation', 'Clusters are not told apart.'),
    ...acceptedServerKeys(name),
  ];
}

/** Keys of `server` and `internal_server` (spec config §3). */
export const serverKeys = [
  ...serverSection('server', 3200, 'used'),
  ...section('internal_server', [['enable', 'bool', false, 'used', '`/ready` and `/metrics` on a port of their own.']]),
  ...serverSection('internal_server', 3101, 'used'),
] as const;
