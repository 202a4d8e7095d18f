//! The operator turns a `MarketplaceAddon` into everything that the add-on needs in the cluster.
