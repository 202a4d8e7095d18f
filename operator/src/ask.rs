//! How the operator asks others than the API server, its pods and its Prometheus: by GET, bounded in time and in size,
//! without redirects and without a proxy. Called by `tokens` and `sla`.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};

const USER_AGENT: &str = concat!("marketplace-operator/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer. Says nothing of the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The client of this process.
    #[error("failed to build the HTTP client")]
    BuildClient(#[source] reqwest::Error),
    /// Nobody answers there.
    #[error("failed to connect")]
    Connect,
    /// It was not answered in time.
    #[error("failed to get an answer in time")]
    AwaitAnswer,
    /// It was answered, and not with 200.
    #[error("failed to get what was asked for: it was answered with status {0}")]
    GetPage(u16),
    /// The answer did not come whole.
    #[error("failed to read the answer")]
    ReadAnswer(#[source] reqwest::Error),
    /// The answer is longer than anything that was asked for.
    #[error("failed to keep the answer: it has more than {0} bytes")]
    KeepAnswer(usize),
}

/// A client for questions that are answered within this time.
pub fn client(answer_within: Duration) -> Result<Client, AskError> {
    builder(answer_within).build().map_err(AskError::BuildClient)
}

/// The same for plain HTTP alone: no certificate is trusted, and none is read.
pub fn plain_client(answer_within: Duration) -> Result<Client, AskError> {
    let builder = builder(answer_within).tls_certs_only([]);
    builder.build().map_err(AskError::BuildClient)
}

fn builder(answer_within: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(answer_within)
}

/// The body of the page, which may have so many bytes.
pub async fn get(client: &Client, url: Url, limit_bytes: usize) -> Result<Vec<u8>, AskError> {
    let mut answer = client.get(url).send().await.map_err(explain)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(AskError::GetPage(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(explain)? {
        if body.len() + piece.len() > limit_bytes {
            return Err(AskError::KeepAnswer(limit_bytes));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// In words that stay the same while it lasts: they stand in a condition.
fn explain(error: reqwest::Error) -> AskError {
    if error.is_timeout() {
        AskError::AwaitAnswer
    } else if error.is_connect() {
        AskError::Connect
    } else {
        AskError::ReadAnswer(error.without_url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_page::Pages;

    fn words(answer: Result<Vec<u8>, AskError>) -> String {
        answer.map_or_else(
            |error| error.to_string(),
            |body| String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn an_answer_is_whole_and_bounded_or_none() -> Result<(), Box<dyn std::error::Error>> {
        crate::fake_page::install_tls();
        let pages = Pages::start().await?;
        let asker = client(Duration::from_millis(300))?;
        let address = pages.address();
        let ask = async |page: &str, limit| {
            let url = format!("http://{address}{page}").parse()?;
            Ok::<_, Box<dyn std::error::Error>>(words(get(&asker, url, limit).await))
        };
        pages.put("/page", "two words");
        assert_eq!(ask("/page", 9).await?, "two words");
        assert_eq!(
            ask("/page", 8).await?,
            "failed to keep the answer: it has more than 8 bytes"
        );
        assert_eq!(
            ask("/nothing", 9).await?,
            "failed to get what was asked for: it was answered with status 404"
        );
        pages.hang(true);
        assert_eq!(ask("/page", 9).await?, "failed to get an answer in time");
        pages.end().await;
        assert_eq!(ask("/page", 9).await?, "failed to connect");
        Ok(())
    }
}
