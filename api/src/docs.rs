//! The description of the API, and a page that shows it.
//!
//! The page is written here, from the same description, as plain HTML: no script, nothing loaded from anywhere.

use std::fmt::Write;
use std::sync::OnceLock;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, InfoBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::ProblemBody;
use crate::routes::observations;

const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1b1b;background:#fff}code{background:#f1f1f1;padding:.1em .3em;border-radius:.2em}\
    section{border-top:1px solid #ccc;padding:.5rem 0}table{border-collapse:collapse}\
    td,th{padding:.2rem 1rem .2rem 0;vertical-align:top;text-align:left}";

/// Puts the parts together and adds what every operation has in common.
pub(crate) fn describe(v1: OpenApi, open: OpenApi) -> OpenApi {
    let mut api = v1;
    api.merge(open);
    api.info = InfoBuilder::new()
        .title("Ensimbi")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Payments ledger. Amounts are decimal strings, times are RFC 3339, errors are RFC 9457 problems with a \
            stable `code`. A key belongs to one book, so no path names a book; every answer says the `position` of \
            the log that it is true for.",
        ))
        .build();
    api.servers = None;
    let components = api.components.get_or_insert_default();
    let mut key = Http::new(HttpAuthScheme::Bearer);
    key.description = Some("An API key, `ens_test_...` or `ens_live_...`".to_owned());
    components.add_security_scheme("api_key", SecurityScheme::Http(key));
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    for (path, item) in &mut api.paths.paths {
        let guarded = path.starts_with("/v1/");
        for (method, operation) in operations(item) {
            let mut common = vec![
                ("405", "The path does not have this method."),
                ("500", "Something broke here; it is logged."),
                ("504", "The request took too long."),
            ];
            if guarded {
                common.push(("401", "No key, or one that opens nothing."));
                common.push(("422", "A parameter is not known or not valid; `parameter` names it."));
            }
            if guarded {
                common.push((
                    "403",
                    "The key is for something else: a connector's key posts observations, and no other does.",
                ));
            }
            if path == observations::PATH {
                common.push(("404", "The key's connection is not in the configuration."));
                common.push(("413", "The body is over 1 MiB."));
                common.push(("422", "A field is not known or not valid, as `field` says; nothing was stored."));
            } else if guarded && method != "GET" {
                common.push(("400", "The `Idempotency-Key` is missing."));
                common.push(("409", "The key was used with another body or path, or the state does not allow it."));
                common.push(("404", "A connection, wallet, bank or other thing named is not in this book."));
                common.push(("413", "The body is over 64 KiB."));
                common.push(("422", "A field is not known or not valid, as `field` says, or the ledger refused it."));
                operation.parameters.get_or_insert_default().push(idempotency_key());
            }
            if path.contains('{') && method == "GET" {
                common.push(("404", "No such thing in this book."));
            }
            if !operation.responses.responses.contains_key("503") {
                common.push(("503", "A store does not answer; try again."));
            }
            for (status, description) in common {
                let problem = RefOr::Ref(Ref::from_schema_name(ProblemBody::name()));
                let response = ResponseBuilder::new()
                    .description(description)
                    .content("application/problem+json", Content::new(Some(problem)))
                    .build();
                operation.responses.responses.insert(status.to_owned(), RefOr::T(response));
            }
        }
    }
    api
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [("GET", &mut item.get), ("POST", &mut item.post), ("PUT", &mut item.put), ("DELETE", &mut item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The header of everything that records something.
fn idempotency_key() -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(
            "1 to 255 printable ASCII characters of your own choice. It never expires: the same key with the same body \
            is the same command, with another body it is a conflict.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255)).build()))
        .build();
    RefOr::T(parameter)
}

/// `/openapi.json`.
pub async fn openapi_json() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_string(&crate::openapi()).unwrap_or_default());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.as_str()).into_response()
}

/// `/docs`.
pub async fn page() -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(|| html(crate::openapi()));
    ([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP))], Html(page.as_str())).into_response()
}

fn html(mut api: OpenApi) -> String {
    let mut page = String::from("<!doctype html><html lang=en><meta charset=utf-8><title>Ensimbi API</title>");
    page.push_str("<meta name=viewport content='width=device-width'><style>");
    page.push_str(STYLE);
    page.push_str("</style><main><h1>Ensimbi API</h1><p>");
    escape(&mut page, api.info.description.as_deref().unwrap_or_default());
    page.push_str(
        "</p><p>Send <code>Authorization: Bearer ens_...</code> to every <code>/v1</code> path. For machines: ",
    );
    page.push_str("<a href=/openapi.json>/openapi.json</a>.</p>");
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            page.push_str("<section><h2><code>");
            page.push_str(method);
            page.push(' ');
            escape(&mut page, path);
            page.push_str("</code></h2><p>");
            escape(&mut page, operation.summary.as_deref().unwrap_or_default());
            page.push_str("</p><table>");
            for parameter in operation.parameters.iter().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                page.push_str("<tr><th scope=row><code>");
                escape(&mut page, &parameter.name);
                page.push_str("</code><td>");
                escape(&mut page, parameter.description.as_deref().unwrap_or_default());
            }
            page.push_str("</table></section>");
        }
    }
    page.push_str("</main></html>");
    page
}

fn escape(page: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' | '<' | '>' | '"' | '\'' => {
                // Writing to a string cannot fail.
                let _ = write!(page, "&#{};", u32::from(char));
            }
            other => page.push(other),
        }
    }
}
