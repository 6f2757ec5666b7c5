extension Algorithms {
  /// The names of all algorithms of GraphScope, whether built in or not. Any other name is an error.
  static let known: Set<String> = [
    "pagerank", "pagerank_push", "pagerank_push_opt", "pagerank_directed", "sssp", "bfs", "wcc", "wcc_opt",
    "wcc_auto", "wcc_projected", "cdlp", "lcc", "lcc_directed", "sssp_path", "sssp_has_path", "sssp_average_length",
    "hits", "degree_centrality", "eigenvector_centrality", "katz_centrality", "bfs_generic", "kcore", "kshell",
    "clustering", "triangles", "transitivity", "avg_clustering", "lpau2i", "sssp_projected", "louvain",
    "closeness_centrality", "all_pairs_shortest_path_length", "pagerank_nx", "degree_assortativity_coefficient",
    "node_boundary", "edge_boundary", "average_degree_connectivity", "attribute_assortativity_coefficient",
    "is_simple_path", "all_simple_paths", "betweenness_centrality", "betweenness_centrality_generic", "voterank",
    "flash_pagerank", "flash_articlerank", "flash_ppr", "flash_hits", "flash_kcore", "flash_kcore_2",
    "flash_kcore_search", "flash_degeneracy", "flash_onion", "flash_mm", "flash_mm_opt", "flash_mm_opt_2",
    "flash_mis", "flash_mis_2", "flash_min_dominating_set", "flash_min_dominating_set_2", "flash_min_edge_cover",
    "flash_min_cover", "flash_min_cover_greedy", "flash_min_cover_greedy_2", "flash_msf", "flash_msf_block",
    "flash_diameter_approx", "flash_diameter_approx_2", "flash_k_center", "flash_3_path", "flash_triangle",
    "flash_tailed_triangle", "flash_acyclic_triangle", "flash_cyclic_triangle", "flash_cycle_plus_triangle",
    "flash_in_triangle", "flash_out_triangle", "flash_rectangle", "flash_diamond", "flash_k_clique",
    "flash_k_clique_2", "flash_densest_sub_2_approx", "flash_bc", "flash_closeness", "flash_eigenvec",
    "flash_harmonic", "flash_katz", "flash_clustering_coeff", "flash_fluid_community", "flash_fluid_by_color",
    "flash_color", "flash_lpa", "flash_lpa_by_color", "flash_bfs", "flash_bfs_push", "flash_bfs_pull",
    "flash_bfs_undirected", "flash_random_multi_bfs", "flash_sssp", "flash_sssp_undirected", "flash_sssp_dlt_step",
    "flash_sssp_dlt_step_undirected", "flash_cc", "flash_cc_push", "flash_cc_pull", "flash_cc_opt", "flash_cc_log",
    "flash_cc_block", "flash_cc_union", "flash_bcc", "flash_bcc_2", "flash_scc", "flash_scc_2", "flash_bridge",
    "flash_bridge_2", "flash_cut_point", "flash_cut_point_2",
  ]
}
