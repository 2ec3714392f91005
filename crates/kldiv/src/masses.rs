//! The sums of rows, and what is asked of them: nothing, that they are 1, or that something can be divided by them.

use crate::check;
use crate::error::{Error, Operand};
use crate::kernels::op::Mass;
use crate::kernels::prepare::AsGiven;
use crate::pair::{Plan, total};
use crate::policy::{Measure, Normalization};
use crate::scaling::Scaling;
use crate::sum::Compensated;
use crate::view::Row;

const ONE: Compensated = Compensated { hi: 1.0, lo: 0.0 };

impl Plan {
    /// The sum of a row and its smoothing; NaN where an entry is no probability.
    pub(crate) fn mass(&self, side: Row) -> Compensated {
        let total = if side.dtype().fits_f32() {
            total::<_, _, f32, _, _>(&Mass, &AsGiven, side, side, self.spread)
        } else {
            total::<_, _, f64, _, _>(&Mass, &AsGiven, side, side, self.spread)
        };
        let mut sum = total.exact[0];
        // NaN where an entry is no probability.
        sum.hi += total.plain[0].value();
        self.smoothed(sum, side.len())
    }

    /// The sum of so many elements, with what is added to each.
    pub(crate) fn smoothed(&self, mut sum: Compensated, n: usize) -> Compensated {
        let added = self.smoothing * n as f64;
        sum.add(added);
        sum.add(self.smoothing.mul_add(n as f64, -added));
        sum.tidy()
    }

    /// The masses of the rows that the measure looks at.
    pub(crate) fn masses(&self, p: Row, q: Row, row: usize) -> Result<(Compensated, Compensated), Error> {
        let of_p = self.mass(p);
        let of_q = if self.measure == Measure::Entropy { of_p } else { self.mass(q) };
        if !(of_p.hi.is_finite() && of_q.hi.is_finite()) {
            return Err(check::culprit(p, q, row).unwrap_or(Error::Overflow { row }));
        }
        Ok((of_p, of_q))
    }

    /// Says whether both rows sum to 1.
    pub(crate) fn require(&self, p: Row, q: Row, row: usize) -> Result<(), Error> {
        let (of_p, of_q) = self.masses(p, q, row)?;
        self.near_one(Operand::P, of_p, row)?;
        self.near_one(Operand::Q, of_q, row)
    }

    /// Whether a sum is one that rows may have.
    pub(crate) fn allows(&self, mass: Compensated) -> bool {
        match self.normalization {
            Normalization::AsGiven => true,
            Normalization::Normalize => mass.hi.is_finite() && mass.value() != 0.0,
            Normalization::Require => mass.minus(ONE).abs() <= self.mass_tolerance,
        }
    }

    /// Says whether a sum is near enough to 1.
    fn near_one(&self, operand: Operand, mass: Compensated, row: usize) -> Result<(), Error> {
        if self.allows(mass) {
            return Ok(());
        }
        let tolerance = self.mass_tolerance;
        Err(Error::NotNormalized { operand, row, sum: mass.value(), tolerance })
    }

    /// Says what is wrong with one row, whose sum is known.
    pub(crate) fn fault(&self, side: Row, operand: Operand, mass: Compensated, row: usize) -> Option<Error> {
        let given = self.normalization == Normalization::AsGiven;
        if !mass.hi.is_finite() {
            let culprit = check::culprit_in(side, operand, row);
            return culprit.or((!given).then_some(Error::Overflow { row }));
        }
        match self.normalization {
            Normalization::AsGiven => None,
            Normalization::Normalize => (mass.value() == 0.0).then_some(Error::ZeroMass { operand, row }),
            Normalization::Require => self.near_one(operand, mass, row).err(),
        }
    }

    /// How the rows are scaled so that both sum to the same.
    pub(crate) fn scaling(&self, p: Row, q: Row, row: usize) -> Result<Scaling, Error> {
        let (of_p, of_q) = self.masses(p, q, row)?;
        for (operand, mass) in [(Operand::P, of_p), (Operand::Q, of_q)] {
            if mass.value() == 0.0 {
                return Err(Error::ZeroMass { operand, row });
            }
        }
        Ok(Scaling::new(self.measure, self.smoothing, of_p, of_q))
    }
}
