import { acceptedKeys, type ConfigKey, section } from './key.ts';

/** Keys of `server`; `internal_server` has the same with other defaults and no effect here (spec config §3). */
function serverSection(name: string, httpPort: number, status: 'used' | 'accepted'): readonly ConfigKey[] {
  return [
    ...section(name, [
      ['http_listen_address', 'string', '', status],
      ['http_listen_port', 'int', httpPort, status],
      ['http_path_prefix', 'string', '', status],
      ['http_listen_conn_limit', 'int', 0, status],
      ['http_server_read_timeout', 'duration', '30s', status],
      ['http_server_read_header_timeout', 'duration', '0s', status],
      ['http_server_write_timeout', 'duration', '30s', status],
      ['http_server_idle_timeout', 'duration', '2m', status],
      ['graceful_shutdown_timeout', 'duration', '30s', status],
      ['register_instrumentation', 'bool', true, status],
      ['log_level', 'string', 'info', status],
      ['log_format', 'string', 'logfmt', status],
      ['grpc_listen_address', 'string', '', 'accepted'],
      ['grpc_listen_port', 'int', 9095, 'accepted'],
      ['http_listen_network', 'string', 'tcp', 'accepted'],
      ['grpc_listen_network', 'string', 'tcp', 'accepted'],
      ['grpc_listen_conn_limit', 'int', 0, 'accepted'],
      ['grpc_server_max_recv_msg_size', 'int', 16777216, 'accepted'],
      ['grpc_server_max_send_msg_size', 'int', 16777216, 'accepted'],
      ['grpc_server_max_concurrent_streams', 'uint', 100, 'accepted'],
    ]),
    ...acceptedKeys(
      name,
      'bool',
      `grpc_server_ping_without_stream_allowed grpc_server_stats_tracking_enabled grpc_server_recv_buffer_pools_enabled
      log_source_ips_enabled log_source_ips_full log_request_headers log_request_at_info_level_enabled proxy_protocol_enabled
      report_grpc_codes_in_instrumentation_label_enabled grpc_collect_max_streams_by_conn create_new_traces`,
    ),
    ...acceptedKeys(
      name,
      'duration',
      `grpc_server_keepalive_time grpc_server_keepalive_timeout grpc_server_max_connection_age grpc_server_max_connection_age_grace
      grpc_server_max_connection_idle grpc_server_min_time_between_pings`,
    ),
    ...acceptedKeys(name, 'int', 'grpc_server_num_workers grpc_server_read_buffer_size grpc_server_write_buffer_size'),
    ...acceptedKeys(
      name,
      'string',
      `tls_cipher_suites tls_min_version log_request_exclude_headers_list log_source_ips_header log_source_ips_regex`,
    ),
    ...acceptedKeys(
      name,
      'any',
      'http_tls_config grpc_tls_config trace_request_headers trace_request_exclude_headers_list cluster_validation',
    ),
  ];
}

/** Keys of `server` and `internal_server` (spec config §3). */
export const serverKeys = [
  ...serverSection('server', 3200, 'used'),
  ...section('internal_server', [['enable', 'bool', false, 'accepted']]),
  ...serverSection('internal_server', 3101, 'accepted'),
] as const;
