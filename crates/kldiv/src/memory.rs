//! Memory that may not be had: an error, not an end.

use crate::error::Error;

/// A vector with room for `n` elements.
pub(crate) fn reserve<T>(n: usize) -> Result<Vec<T>, Error> {
    let mut vec = Vec::new();
    match vec.try_reserve_exact(n) {
        Ok(()) => Ok(vec),
        Err(_) => Err(Error::OutOfMemory { bytes: n.saturating_mul(size_of::<T>()) }),
    }
}

/// So many zeros.
pub(crate) fn zeros(n: usize) -> Result<Vec<f64>, Error> {
    let mut zeros = reserve(n)?;
    zeros.resize(n, 0.0);
    Ok(zeros)
}

/// A value on the heap: large ones are not to be on small stacks. (`Box::new` would abort where there is no memory.)
pub(crate) struct Heap<T>(Vec<T>);

impl<T> Heap<T> {
    pub(crate) fn new(value: T) -> Result<Heap<T>, Error> {
        let mut one = reserve(1)?;
        one.push(value);
        Ok(Heap(one))
    }
}

impl<T> std::ops::Deref for Heap<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0[0]
    }
}

impl<T> std::ops::DerefMut for Heap<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0[0]
    }
}
