//! Blobs between stores: by iroh on the loopback interface, and by the S3 protocol with a real server.

mod harness;
mod liars;
mod objects;
mod slow;
mod uploads;
mod workers;
