//! The divergence of a VAE's posterior from the standard normal, with its gradients, in one pass.

use kldiv::family::vae::{Grads, Prior, grad_into};
use kldiv::{Error, Options, ViewMut};
use ndarray::array;

fn main() -> Result<(), Error> {
    let mu = array![[0.5, -0.25], [1e-9, 0.0]];
    let logvar = array![[0.1, -0.2], [1e-9, 0.0]];
    let (mut rows, mut by_mu, mut by_logvar) = ([0.0; 2], mu.clone(), mu.clone());
    let (of_mu, of_logvar) = (&mut ViewMut::from(by_mu.view_mut()), &mut ViewMut::from(by_logvar.view_mut()));
    let grads = Grads { mu: Some(of_mu), logvar: Some(of_logvar), ..Grads::default() };
    let (options, prior) = (Options::default(), Prior::STANDARD);
    grad_into((&mu).into(), (&logvar).into(), prior, &options, None, Some(&mut rows), grads)?;
    for (i, nats) in rows.iter().enumerate() {
        println!("row {i}: {nats:.6e} nats, by mu {:.3e}, by logvar {:.3e}", by_mu.row(i), by_logvar.row(i));
    }
    Ok(())
}
