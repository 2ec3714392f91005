//! A distillation step: a student's logits move towards a teacher's, along the gradient of the divergence.

use kldiv::{Error, Options, View, ViewMut, logits};
use ndarray::array;

fn main() -> Result<(), Error> {
    let teacher = array![[4.0_f32, 1.0, 0.5, f32::NEG_INFINITY], [0.0, 2.0, 2.5, f32::NEG_INFINITY]];
    let mut student = array![[1.0_f32, 1.0, 1.0, f32::NEG_INFINITY], [3.0, 0.0, 0.0, f32::NEG_INFINITY]];
    let mut options = Options::default();
    options.temperature = 2.0;
    for step in 0..5 {
        let (mut rows, mut grad) = ([0.0; 2], student.clone());
        let views = (View::from(&teacher), View::from(&student));
        let place = &mut ViewMut::from(grad.view_mut());
        logits::grad_into(views.0, views.1, &options, None, Some(&mut rows), None, Some(place))?;
        println!("step {step}: {:.4} and {:.4} nats", rows[0], rows[1]);
        // A class that is impossible stays so: its gradient is 0.
        student.scaled_add(-8.0, &grad);
    }
    Ok(())
}
