"""The values in force as plain typed attributes: the form in which the rest of the server reads its configuration.

One attribute per directive, named like it with underscores. Sizes are in bytes; times are in the directive's own unit,
which docs/configuration.md names. Read the attribute where the value is needed, on every use: it changes with CONFIG
SET. Write to it only what CONFIG GET shall show: the server does so where something else than CONFIG SET changes a
setting, such as REPLICAOF.

Tuples are replaced as a whole, never changed in place. Which names and types stand here is checked against the table of
directives by a test.
"""

from hognose.config.directives import DIRECTIVES
from hognose.config.specials import OutputBufferLimit


class Settings:
    """All settings of one server; new ones are the defaults."""

    # Listening
    bind: tuple[str, ...]
    bind_source_addr: str
    port: int
    tcp_backlog: int
    unixsocket: str
    unixsocketperm: int
    timeout: int
    tcp_keepalive: int
    socket_mark_id: int
    protected_mode: bool

    # Clients
    maxclients: int
    maxmemory_clients: int
    client_query_buffer_limit: int
    client_output_buffer_limit: tuple[OutputBufferLimit, ...]
    proto_max_bulk_len: int
    tracking_table_max_keys: int
    io_threads: int
    io_threads_do_reads: bool

    # Access
    requirepass: bytes
    aclfile: str
    acl_pubsub_default: str
    acllog_max_len: int
    enable_protected_configs: str
    enable_debug_command: str
    enable_module_command: str

    # Memory and eviction
    maxmemory: int
    maxmemory_policy: str
    maxmemory_samples: int
    maxmemory_eviction_tenacity: int
    lfu_log_factor: int
    lfu_decay_time: int
    active_expire_effort: int
    lazyfree_lazy_eviction: bool
    lazyfree_lazy_expire: bool
    lazyfree_lazy_server_del: bool
    lazyfree_lazy_user_del: bool
    lazyfree_lazy_user_flush: bool

    # Compact encodings
    hash_max_listpack_entries: int
    hash_max_listpack_value: int
    list_max_listpack_size: int
    list_compress_depth: int
    set_max_intset_entries: int
    set_max_listpack_entries: int
    set_max_listpack_value: int
    zset_max_listpack_entries: int
    zset_max_listpack_value: int
    hll_sparse_max_bytes: int
    stream_node_max_bytes: int
    stream_node_max_entries: int

    # Snapshots
    save: tuple[tuple[int, int], ...]
    dbfilename: str
    rdbcompression: bool
    rdbchecksum: bool
    rdb_version: int
    rdb_module_data: str
    snapshot_mode: str
    stop_writes_on_bgsave_error: bool
    rdb_del_sync_files: bool
    rdb_save_incremental_fsync: bool
    sanitize_dump_payload: str
    rdb_key_save_delay: int
    key_load_delay: int
    loading_process_events_interval_bytes: int

    # Append-only file
    appendonly: bool
    appendfilename: str
    appenddirname: str
    appendfsync: str
    no_appendfsync_on_rewrite: bool
    auto_aof_rewrite_percentage: int
    auto_aof_rewrite_min_size: int
    aof_load_truncated: bool
    aof_use_rdb_preamble: bool
    aof_timestamp_enabled: bool
    aof_rewrite_incremental_fsync: bool
    aof_disable_auto_gc: bool

    # Replication
    replicaof: tuple[str, int] | None
    masteruser: bytes
    masterauth: bytes
    replica_serve_stale_data: bool
    replica_read_only: bool
    replica_ignore_maxmemory: bool
    replica_lazy_flush: bool
    replica_ignore_disk_write_errors: bool
    replica_priority: int
    replica_announced: bool
    replica_announce_ip: str
    replica_announce_port: int
    min_replicas_to_write: int
    min_replicas_max_lag: int
    repl_diskless_sync: bool
    repl_diskless_sync_delay: int
    repl_diskless_sync_max_replicas: int
    repl_diskless_load: str
    repl_ping_replica_period: int
    repl_timeout: int
    repl_disable_tcp_nodelay: bool
    repl_backlog_size: int
    repl_backlog_ttl: int
    propagation_error_behavior: str

    # Cluster
    cluster_enabled: bool
    cluster_config_file: str
    cluster_node_timeout: int
    cluster_port: int
    cluster_replica_validity_factor: int
    cluster_replica_no_failover: bool
    cluster_migration_barrier: int
    cluster_allow_replica_migration: bool
    cluster_require_full_coverage: bool
    cluster_allow_reads_when_down: bool
    cluster_allow_pubsubshard_when_down: bool
    cluster_link_sendbuf_limit: int
    cluster_announce_ip: str
    cluster_announce_port: int
    cluster_announce_tls_port: int
    cluster_announce_bus_port: int
    cluster_announce_hostname: str
    cluster_announce_human_nodename: str
    cluster_preferred_endpoint_type: str
    cluster_ping_interval: int

    # Process
    daemonize: bool
    supervised: str
    pidfile: str
    dir: str
    databases: int
    set_proc_title: bool
    proc_title_template: str
    locale_collate: str
    hz: int
    dynamic_hz: bool
    server_cpulist: str
    bio_cpulist: str
    aof_rewrite_cpulist: str
    bgsave_cpulist: str
    oom_score_adj: str
    oom_score_adj_values: tuple[int, ...]
    disable_thp: bool
    ignore_warnings: str

    # Logging
    loglevel: str
    logfile: str
    always_show_logo: bool
    syslog_enabled: bool
    syslog_ident: str
    syslog_facility: str
    crash_log_enabled: bool
    crash_memcheck_enabled: bool
    use_exit_on_panic: bool
    watchdog_period: int

    # Shutdown
    shutdown_timeout: int
    shutdown_on_sigint: int
    shutdown_on_sigterm: int

    # Monitoring and events
    slowlog_log_slower_than: int
    slowlog_max_len: int
    latency_monitor_threshold: int
    latency_tracking: bool
    latency_tracking_info_percentiles: tuple[float, ...]
    notify_keyspace_events: int

    # Scripting
    busy_reply_threshold: int

    # TLS
    tls_port: int
    tls_cert_file: str
    tls_key_file: str
    tls_key_file_pass: str
    tls_client_cert_file: str
    tls_client_key_file: str
    tls_client_key_file_pass: str
    tls_dh_params_file: str
    tls_ca_cert_file: str
    tls_ca_cert_dir: str
    tls_auth_clients: str
    tls_replication: bool
    tls_cluster: bool
    tls_protocols: str
    tls_ciphers: str
    tls_ciphersuites: str
    tls_prefer_server_ciphers: bool
    tls_session_caching: bool
    tls_session_cache_size: int
    tls_session_cache_timeout: int

    # Allocator
    activerehashing: bool
    jemalloc_bg_thread: bool
    activedefrag: bool
    active_defrag_cycle_min: int
    active_defrag_cycle_max: int
    active_defrag_threshold_lower: int
    active_defrag_threshold_upper: int
    active_defrag_ignore_bytes: int
    active_defrag_max_scan_fields: int

    def __init__(self) -> None:
        for directive in DIRECTIVES:
            setattr(self, directive.field, directive.default)
