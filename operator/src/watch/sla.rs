//! Hears from `sla` about which add-ons something else is to be said, and has them looked at.

use tokio::sync::broadcast::error::RecvError;

use super::{ControllerGone, Watch};
use crate::sla::News;

impl Watch {
    /// Passes on what changes for as long as the process lives.
    pub async fn sla(mut self) -> Result<(), ControllerGone> {
        let mut news = self.context.sla.news();
        loop {
            match news.recv().await {
                Ok(News::Of(addons)) => {
                    let ours = |namespace: &str| self.namespace.as_deref().is_none_or(|ours| ours == namespace);
                    let addons: Vec<_> = addons
                        .iter()
                        .filter(|(namespace, _)| ours(namespace))
                        .cloned()
                        .collect();
                    for addon in addons {
                        self.tell(addon).await?;
                    }
                }
                Ok(News::All) | Err(RecvError::Lagged(_)) => self.tell_all().await?,
                // the sender is part of the context that this task holds
                Err(RecvError::Closed) => return Err(ControllerGone),
            }
        }
    }
}
