//! Serves a folder by the S3 protocol, for scripts/test-training: each folder in it is a bucket.
//!
//! `sabha-s3-server FOLDER PORT` on the loopback interface, to whoever has the keys in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use std::{env, error::Error, net::Ipv4Addr, path::PathBuf};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, port] = arguments.as_slice() else {
        return Err("usage: sabha-s3-server FOLDER PORT".into());
    };
    let files =
        s3s_fs::FileSystem::new(PathBuf::from(folder)).map_err(|error| format!("{folder}: {error:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    let (key, secret) = (env::var("AWS_ACCESS_KEY_ID")?, env::var("AWS_SECRET_ACCESS_KEY")?);
    builder.set_auth(SimpleAuth::from_single(key, secret));
    let service = builder.build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    println!("serves {folder} at {}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // Whoever hangs up is no error of the server.
            let _ = server.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
