//! The `MarketplaceAddon` resource.
